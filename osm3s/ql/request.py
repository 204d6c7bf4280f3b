"""placeholder replaced below"""
def from_console(text: str) -> str:
    return text + "\n"
