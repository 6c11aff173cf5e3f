"""What the platform offers to build from: builder images and samples."""
