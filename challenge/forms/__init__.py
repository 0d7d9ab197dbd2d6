"""Forms: cheap checks with words a newcomer can act on. Whether a submission is taken is for submissions.py to say."""
