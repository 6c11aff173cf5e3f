"""Tests of the node agent: pure parts by tables, behaviour by fakes, essentials by podman."""
