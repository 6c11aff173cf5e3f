"""What podman runs: our shim in front of runc, and the images made from Debian's packages."""
