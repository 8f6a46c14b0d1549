"""What tests and demos steer the simulator with: the control API, and the pages that Stripe would host."""
