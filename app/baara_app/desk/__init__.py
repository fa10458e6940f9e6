"""What of the app a person sees outside the pages: windows, the tray and notifications.

Each is a process of its own (`children`), because each wants the main thread of one, and because a library of screens
that falls over must not take the engine along. They know nothing: they are told what to show and say what was clicked,
as lines of JSON (`talking`), and end when the pipe to this process does, however that happens.

`desk` is the one thread that decides: it hears of what has changed, of what was clicked, and of what other processes
ask for, one after the other. What it decides by is pure: `menu` makes the tray's menu from `standing`, and `announcing`
says what is worth a notification.
"""
