"""What the pages show, worked out from objects: pure, no requests, no HTML."""
