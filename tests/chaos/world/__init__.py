"""What is broken on purpose: servers, proxies, hosts with workers, schedulers, and the quests they work on."""
