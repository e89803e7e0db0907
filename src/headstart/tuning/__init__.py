"""Between adapt and prove, tune: the rungs above the closed-form head, climbed only where held-out groups say that it pays."""
