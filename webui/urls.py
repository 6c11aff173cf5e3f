"""The console's addresses."""

from django.urls import URLPattern, URLResolver, path

from webui.pages import (
    applications,
    builds,
    connect,
    create,
    environment,
    members,
    pods,
    projects,
    rollouts,
    sign_in,
    users,
)

PROJECT = "projects/<str:project>"
APP = f"{PROJECT}/applications/<str:name>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", projects.home, name="home"),
    path("sign-in", sign_in.sign_in, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("password", sign_in.password, name="password"),
    path("connect", connect.connect, name="connect"),
    path("connect/tokens/<int:token>/revoke", connect.revoke, name="revoke"),
    path("connect/kubeconfig", connect.kubeconfig, name="kubeconfig"),
    path("trust", connect.trust, name="trust"),
    path("ca.crt", connect.authority, name="authority"),
    path("users", users.users, name="users"),
    path("users/new", users.user_new, name="user-new"),
    path("users/<str:name>/password", users.user_reset, name="user-reset"),
    path("users/<str:name>/active", users.user_activate, name="user-activate"),
    path("projects", projects.projects, name="projects"),
    path("projects/new", projects.project_new, name="project-new"),
    path(PROJECT, projects.project, name="project"),
    path(f"{PROJECT}/members", members.members, name="members"),
    path(f"{PROJECT}/members/remove", members.member_drop, name="member-drop"),
    path(f"{PROJECT}/quota", members.quota, name="quota"),
    path(f"{PROJECT}/delete", projects.project_delete, name="project-delete"),
    path(f"{PROJECT}/applications/new", create.app_new, name="app-new"),
    path(f"{PROJECT}/pods/<str:pod>/log", pods.pod_log, name="pod-log"),
    path(f"{PROJECT}/builds/<str:build>/log", builds.build_log, name="build-log"),
    path(APP, applications.app, name="app"),
    path(f"{APP}/builds", builds.builds, name="builds"),
    path(f"{APP}/builds/start", builds.build_new, name="build-new"),
    path(f"{APP}/builds/<str:build>", builds.build, name="build"),
    path(f"{APP}/builds/<str:build>/again", builds.build_again, name="build-again"),
    path(f"{APP}/builds/<str:build>/cancel", builds.build_stop, name="build-stop"),
    path(f"{APP}/roll-outs", rollouts.rollouts, name="rollouts"),
    path(f"{APP}/roll-outs/<int:revision>/undo", rollouts.undo, name="undo"),
    path(f"{APP}/pods", pods.pods, name="pods"),
    path(f"{APP}/logs", pods.logs, name="logs"),
    path(f"{APP}/environment", environment.environment, name="environment"),
    path(f"{APP}/scale", applications.scale, name="scale"),
    path(f"{APP}/yaml", applications.manifests, name="yaml"),
    path(f"{APP}/delete", applications.app_delete, name="app-delete"),
]

handler400 = "webui.pages.errors.bad_request"
handler403 = "webui.pages.errors.forbidden"
handler404 = "webui.pages.errors.not_found"
handler500 = "webui.pages.errors.defect"
