"""What organizers and staff do: each act one function, with its rules, its words and its entry in the audit trail.

Nothing here knows of pages or requests: a page, the API and the import of a whole challenge call the same functions.
Who may call them is for permissions.py to say, and for the caller to ask; what can't be done raises `acts.Refused`.
"""
