package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorFlowSetupTest {
    @Test
    void cudaBuildForcesDeterministicReductions() {
        Map<String, String> both = Map.of("TF_CPP_MIN_LOG_LEVEL", "2", "TF_ENABLE_ONEDNN_OPTS", "1");
        assertThat(TensorFlowSetup.variables(new Build("1", "1", "linux-x86_64")))
                .isEqualTo(both);
        assertThat(TensorFlowSetup.variables(new Build("1", "1", "linux-x86_64-gpu")))
                .containsAllEntriesOf(both)
                .containsAllEntriesOf(Map.of(
                        "TF_DETERMINISTIC_OPS", "1",
                        "TF_DISABLE_SCATTER_OP_DETERMINISM", "1",
                        "CUBLAS_WORKSPACE_CONFIG", ":4096:8"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ar-EG", "fa-IR", "mr-IN", "ar-u-nu-arab", "th-TH-u-nu-thai", "my-MM", "ne-NP"})
    void onlyDigitsOfLocaleChange(String tag) {
        Locale locale = Locale.forLanguageTag(tag);
        Locale changed = TensorFlowSetup.withAsciiDigits(locale);
        assertThat(String.format(changed, "%d", 1234567890)).isEqualTo("1234567890");
        assertThat(changed.getLanguage()).isEqualTo(locale.getLanguage());
        assertThat(changed.getCountry()).isEqualTo(locale.getCountry());
    }

    /** Includes legacy variants, some of which a locale builder rejects. */
    @Test
    void everyAvailableLocaleGetsAsciiDigits() {
        for (Locale locale : Locale.getAvailableLocales()) {
            Locale changed = TensorFlowSetup.withAsciiDigits(locale);
            assertThat(String.format(changed, "%d", 1234567890))
                    .as(locale.toString())
                    .isEqualTo("1234567890");
        }
        assertThat(TensorFlowSetup.withAsciiDigits(Locale.GERMANY)).isEqualTo(Locale.GERMANY);
    }
}
