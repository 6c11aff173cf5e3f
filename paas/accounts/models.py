"""People and their tokens: ordinary rows, not API objects. The API shows people as User objects."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

USERNAME_MAX = 63


class UserAccounts(BaseUserManager["User"]):
    """Looks people up by the name they sign in with; writing is in `services.py`."""


class User(AbstractBaseUser):
    """A person who signs in. Administrators are bound to cluster-admin, not flagged here."""

    username = models.CharField(max_length=USERNAME_MAX, unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    uid = models.UUIDField(unique=True)
    is_active = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "username"
    objects = UserAccounts()

    class Meta:
        """Newest last, by name."""

        ordering = ("username",)

    def __str__(self) -> str:
        return self.username


class Token(models.Model):
    """A bearer token, of which only the SHA-256 is kept. A revoked one is deleted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.user}: {self.name}"
