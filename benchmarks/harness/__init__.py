"""What every workload needs: servers, worker pools, verification, statistics and the report."""
