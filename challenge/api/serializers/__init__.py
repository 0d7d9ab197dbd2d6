"""What the API shows and takes, by area. Input has serializers of its own, with nothing in them that is not the
client's: no state, score, verdict, team, owner or flag can be sent."""
