"""The forms of the console: what is asked, not who may."""
