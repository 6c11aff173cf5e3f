"""ControllerRevisions: what the template of a DaemonSet or StatefulSet was, for the way back."""
