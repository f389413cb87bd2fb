"""A prompt's story as an operator reads it: from the API of any instance."""

import json
from typing import Any

import httpx

Story = dict[str, Any]


async def story_until(address: str, outreach: str, state: str) -> Story:
    """Everything known of a prompt, once it has come to that state."""
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        async with client.stream("GET", f"/v1/outreach/{outreach}/events") as following:
            async for line in following.aiter_lines():
                if line.startswith("data:") and json.loads(line[5:]).get("state") == state:
                    break
        answer = await client.get(f"/v1/outreach/{outreach}")
        assert answer.status_code == 200, answer.text
        story: Story = answer.json()
        return story


def states(story: Story) -> list[str]:
    """In their order."""
    return [step["state"] for step in story["steps"]]
