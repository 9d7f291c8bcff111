"""The RecordingFileStatusUpdated event, and the way it takes to Event Grid."""
