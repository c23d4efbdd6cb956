"""What starts by itself: jobs, sensors, schedules, backfills, and estimates of their cost."""
