"""`overture new`: an agent's folder that can be talked to at once and shows where things go."""

from pathlib import Path

from overture.agent_folder import FOLDER_NAME
from overture.errors import UserError

AGENT_YAML = """\
# Everything that can stand here is in docs/agents.md of Overture.
name: {title}
language: en
time_zone: UTC
greeting: Hello, this is {title}. What would you like to know?
unknown_answer: Sorry, I don't know that.
"""

ABOUT = """\
# About {title}

{title} answers questions from the documents in its knowledge folder. This is the first of them:
put your own words in its place.

## Opening hours

We are open from 9 am to 5 pm, Monday to Friday.

## Contact

Our mail address is hello@example.org.
"""

QUESTIONS = """\
# What people may ask, one question a line. The recognizer listens for these words.
when are you open
what are your opening hours
what is your mail address
"""

SMALL_TALK = """\
# What people say, and what is answered. (a|b) are alternatives, [a] may be left out.
intents:
  greeting:
    sentences:
      - "(hi|hello|hey) [there]"
      - "good (morning|afternoon|evening)"
    reply: Hello! What would you like to know?
  thanks:
    sentences:
      - "[okay|great] (thanks|thank you) [very much]"
    reply: You're welcome.
  goodbye:
    sentences:
      - "(bye|goodbye|bye bye|see you)"
    reply: Goodbye!
  repeat:
    sentences:
      - "[please] (say that again|repeat that|say it again)"
      - "(what did you say|pardon)"
"""


def make_agent(folder: Path) -> None:
    """Writes the files; raises UserError rather than touch a folder that has something in it."""
    name = folder.absolute().name
    if not FOLDER_NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot be an agent's name; use letters, digits, '_', '.' and '-' only"
        )
    words = name.replace("-", " ").replace("_", " ").replace(".", " ").split()
    title = " ".join(word[:1].upper() + word[1:] for word in words)
    files = {
        "agent.yaml": AGENT_YAML,
        "knowledge/about.md": ABOUT,
        "knowledge/questions.txt": QUESTIONS,
        "intents/smalltalk.yaml": SMALL_TALK,
    }
    try:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is there already and not empty; choose another name")
        for path, template in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            # replace and not format: templates hold braces of their own
            content = template.replace("{title}", title)
            (folder / path).write_text(content, "utf-8")
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror}") from None
