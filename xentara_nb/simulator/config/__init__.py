"""What a simulator serves: a folder of configuration files, or the demo plant."""
