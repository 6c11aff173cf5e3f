"""What every request passes: who asks, safe headers, errors as pages."""
