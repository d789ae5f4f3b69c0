package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ApiKeysTest {
    @TempDir
    private Path folder;

    @Test
    void eachLineIsAKey() throws Exception {
        ApiKeys keys = ApiKeys.read(Files.writeString(folder.resolve("keys"), "\n one \r\ntwo"));
        assertThat(keys.contains("one")).isTrue();
        assertThat(keys.contains("two")).isTrue();
        assertThat(keys.contains("")).isFalse();
    }

    /** Otherwise no request would ever be let in. */
    @ParameterizedTest
    @ValueSource(strings = {"alice secret", "钥匙", "\ufeffsecret", "a\u0000"})
    void keyThatNoRequestCanSendIsRefused(String key) throws Exception {
        Path file = Files.writeString(folder.resolve("keys"), "good\n" + key + "\n");
        assertThatThrownBy(() -> ApiKeys.read(file))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(file
                        + " has a key with a character that a request cannot send; write keys of letters and digits");
    }
}
