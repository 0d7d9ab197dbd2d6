"""What an image tar says, and whether that may be loaded: read without the engine, byte by byte, and written anew.

    stream ─► tar ─► layer ─► archive ─► layouts ─► config ─► admission ─► rewrite

`stream` unpacks under a budget, `tar` reads members strictly, `layer` walks one layer, `archive` finds the parts,
`layouts` knows Docker's and OCI's way of naming them, `config` what an image may ask for; `admission.inspect` is all of
it, `rewrite` makes the archive that the engine gets, `inspection` prints it for a person. `sandbox.images` loads it.
"""
