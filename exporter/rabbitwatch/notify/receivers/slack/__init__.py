"""Slack: one message a group, edited as it changes, with buttons over Socket Mode; or plain messages by a webhook.

escaping.py   foreign text made harmless in Slack's markup
looks.py      what a severity and a state look like
limits.py     Slack's limits
blocks.py     what messages are made of
message.py    the group's message
remarked.py   what is done about its alerts
thread.py     what is told in its thread
api.py        the Web API, and which of its errors are final
doubts.py     attempts of which nobody knows whether they arrived
bot.py        the receiver with a bot token
webhook.py    the receiver with an incoming webhook
socket.py     Socket Mode: who clicked on what
answers.py    what somebody who clicked is told
silencing.py  what the buttons "Silence 1 h" and "End silence" do
approving.py  what the buttons "Approve" and "Decline" do
make.py       from the configuration to a receiver
"""
