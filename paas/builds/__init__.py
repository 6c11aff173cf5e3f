"""BuildConfigs and Builds: source in, image out."""
