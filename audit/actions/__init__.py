"""The verbs of the observer: one function a deed, called by pages, API, commands and tasks alike."""
