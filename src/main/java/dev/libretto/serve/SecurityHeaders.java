package dev.libretto.serve;

import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;

/** The headers of each answer, as OWASP's secure headers project recommends them. */
final class SecurityHeaders {
    private static final HttpFields FIELDS = HttpFields.build()
            .put(
                    "Content-Security-Policy",
                    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'")
            .put("X-Content-Type-Options", "nosniff")
            .put("X-Frame-Options", "DENY")
            .put("Referrer-Policy", "no-referrer")
            .put("Cross-Origin-Opener-Policy", "same-origin")
            .put("Cross-Origin-Resource-Policy", "same-origin")
            .put("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
            .put(HttpHeader.CACHE_CONTROL, "no-store")
            .asImmutable();

    private SecurityHeaders() {}

    static void addTo(HttpFields.Mutable headers) {
        FIELDS.forEach(headers::put);
    }
}
