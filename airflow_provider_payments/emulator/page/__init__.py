"""The web page that shows the emulator's state: the values are computed here, the HTML is in ``templates``."""
