"""Container images: from a registry or a file to one folder that is a sandbox's root."""
