"""Its labels are those of another run, so that the sweeper takes it for somebody else's.

expect = "OK"

[config]
Labels = {"parakh.run" = "somebody-else", "parakh.recipe" = "0", "com.docker.compose.project" = "parakh"}
"""

finish()
