"""Repositories that people push to, served over smart HTTP; a push builds and deploys."""
