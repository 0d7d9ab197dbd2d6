"""Its /output and /tmp are links to other places of its own.

expect = "BAD_OUTPUT"
says = "Answer 2 of 2"
contract = "batch"
build = "rm -rf /tmp; ln -s /etc /tmp; ln -s /var/cache /output"
"""

with open("/output/000001.png", "wb") as file:
    file.write(b"x")
