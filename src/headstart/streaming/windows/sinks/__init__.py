"""Where windows go. Writing the same stretch of time again changes nothing."""
