"""Who is measured, a file each: ``version()``, and ``Peer(workload, folder).run()``."""
