package dev.libretto.serve;

/**
 * A path of the server.
 *
 * @param method GET, which also answers HEAD, or POST
 * @param path if it ends with {@code /*}, any path below it
 * @param isPublic whether it is answered without a key
 */
record Route(String method, String path, boolean isPublic, Endpoint endpoint) {
    private static final String BELOW = "/*";

    static Route get(String path, Endpoint endpoint) {
        return new Route("GET", path, false, endpoint);
    }

    static Route publicGet(String path, Endpoint endpoint) {
        return new Route("GET", path, true, endpoint);
    }

    static Route post(String path, Endpoint endpoint) {
        return new Route("POST", path, false, endpoint);
    }

    boolean matches(String requested) {
        return path.endsWith(BELOW)
                ? requested.length() >= path.length() && requested.startsWith(prefix())
                : requested.equals(path);
    }

    /** Returns what a path has in place of {@code *}; empty without it. */
    String rest(String requested) {
        return path.endsWith(BELOW) ? requested.substring(prefix().length()) : "";
    }

    private String prefix() {
        return path.substring(0, path.length() - 1);
    }

    boolean answers(String requestedMethod) {
        return method.equals(requestedMethod) || method.equals("GET") && requestedMethod.equals("HEAD");
    }
}
