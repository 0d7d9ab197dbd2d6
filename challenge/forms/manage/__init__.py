"""The forms of organizers and staff. They read what was typed; what can be is for challenge/organizing/ to say."""
