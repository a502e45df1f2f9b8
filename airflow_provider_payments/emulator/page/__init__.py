"""The page to look at: what stands in the emulator now. Plain HTML, made here; a browser needs nothing else."""
