"""What runs inside a build pod: fetch the source, turn it into an image, push it.

Standard library only: the build image has git, buildah and Python. What is to be done comes as
JSON files from the platform; what was done goes back as JSON in the termination message.
"""
