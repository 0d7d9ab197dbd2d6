"""What organizers see and do under /challenges/SLUG/manage/: each asks permissions.py, calls organizing/, renders."""
