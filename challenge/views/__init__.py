"""Pages: thin functions that ask permissions.py, call a service and render. One URL name, view and template each."""
