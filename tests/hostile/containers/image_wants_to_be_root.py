"""Its image asks for root, its own host name, a shell, open ports and a stop signal that stops nothing.

expect = "OK"

[config]
User = "0:0"
Hostname = "evil"
Domainname = "evil.example"
Shell = ["/bin/evil"]
StopSignal = "SIGCONT"
ExposedPorts = {"22/tcp" = {}, "80/udp" = {}}
OnBuild = ["RUN true", "ADD / /"]
"""

absent("root", [each for each in (os.getuid(), os.geteuid(), os.getgid(), os.getegid()) if each != 65534])
absent("its host name", os.uname().nodename == "evil")
finish()
