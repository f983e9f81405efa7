"""The fault suite: real processes killed with SIGKILL at named points and at random, judged by the logs of those who
survive: the simulator, the webhook sink and the client. docs/reliability.md says what has to hold.
"""
