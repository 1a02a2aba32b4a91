"""Settings by name, and runs in folders that can be resumed, of links and of images."""
