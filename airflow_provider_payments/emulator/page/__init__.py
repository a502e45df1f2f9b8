"""The page to look at: what stands in the emulator now. Values here, HTML in ``templates``; a browser needs no more."""
