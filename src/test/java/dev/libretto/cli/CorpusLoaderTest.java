package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CorpusLoaderTest {
    @Test
    void cacheDirectoryFollowsTheEnvironment() {
        Map<String, String> xdg = Map.of("LIBRETTO_CACHE", "", "XDG_CACHE_HOME", "/cache");

        assertThat(CorpusLoader.cache(Map.of("LIBRETTO_CACHE", "/own", "XDG_CACHE_HOME", "/cache")))
                .isEqualTo(Path.of("/own"));
        assertThat(CorpusLoader.cache(xdg)).isEqualTo(Path.of("/cache/libretto"));
        assertThat(CorpusLoader.cache(Map.of())).isEqualTo(Path.of(System.getProperty("user.home"), ".cache/libretto"));
    }
}
