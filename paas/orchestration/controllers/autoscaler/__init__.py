"""HorizontalPodAutoscalers: as many pods as their usage asks for."""
