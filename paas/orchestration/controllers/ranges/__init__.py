"""Each namespace's own user ids, network and MCS level, never shared with another."""
