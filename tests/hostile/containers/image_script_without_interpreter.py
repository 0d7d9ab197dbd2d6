"""Its entry point is a script whose interpreter is the script.

expect = "RUNTIME_ERROR"
build = "echo '#!/loop' > /loop && chmod 755 /loop"

[config]
Entrypoint = ["/loop"]
"""
