"""What pages show, computed: figures, charts, times and sizes in words. Pure: no request, no template."""
