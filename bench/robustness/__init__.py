"""What breaks, if bytes are damaged or a run is killed?"""
