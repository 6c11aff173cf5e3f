"""CronJobs: Jobs at times of a schedule."""
