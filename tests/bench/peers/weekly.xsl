<?xml version="1.0"?>
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- The weekly rows as XML -> a FHIR XML Observation for each of the twelve parts of a PHQ-9. XSLT 1.0 has no
     hash function, so ids here are names: less work than the others have. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns="http://hl7.org/fhir" xmlns:d="urn:iptfhir:bench" exclude-result-prefixes="d">
  <xsl:output method="xml" indent="no" encoding="UTF-8"/>

  <d:items>
    <d:item code="44250-9" display="Little interest or pleasure in doing things in last 2 weeks" field="q1"/>
    <d:item code="44255-8" display="Feeling down, depressed, or hopeless in last 2 weeks" field="q2"/>
    <d:item code="44259-0" display="Trouble falling or staying asleep, or sleeping too much in last 2 weeks [Reported.PHQ]" field="q3"/>
    <d:item code="44254-1" display="Feeling tired or having little energy in last 2 weeks [Reported.PHQ]" field="q4"/>
    <d:item code="44251-7" display="Poor appetite or overeating in last 2 weeks [Reported.PHQ]" field="q5"/>
    <d:item code="44258-2" display="Feeling bad about yourself - or that you are a failure or have let yourself or your family down in last 2 weeks [Reported.PHQ]" field="q6"/>
    <d:item code="44252-5" display="Trouble concentrating on things, such as reading the newspaper or watching television in last 2 weeks [Reported.PHQ]" field="q7"/>
    <d:item code="44253-3" display="Moving or speaking so slowly that other people could have noticed. Or the opposite - being so fidgety or restless that you have been moving around a lot more than usual in last 2 weeks [Reported.PHQ]" field="q8"/>
    <d:item code="44260-8" display="Thoughts that you would be better off dead, or of hurting yourself in some way in last 2 weeks [Reported.PHQ]" field="q9"/>
  </d:items>
  <d:answers>
    <d:answer value="0" code="LA6568-5" display="Not at all"/>
    <d:answer value="1" code="LA6569-3" display="Several days"/>
    <d:answer value="2" code="LA6570-1" display="More than half the days"/>
    <d:answer value="3" code="LA6571-9" display="Nearly every day"/>
  </d:answers>
  <d:difficulties>
    <d:answer value="0" code="LA6572-7" display="Not difficult at all"/>
    <d:answer value="1" code="LA6573-5" display="Somewhat difficult"/>
    <d:answer value="2" code="LA6575-0" display="Very difficult"/>
    <d:answer value="3" code="LA6574-3" display="Extremely difficult"/>
  </d:difficulties>

  <xsl:variable name="items" select="document('')/*/d:items/d:item"/>
  <xsl:variable name="answers" select="document('')/*/d:answers/d:answer"/>
  <xsl:variable name="difficulties" select="document('')/*/d:difficulties/d:answer"/>

  <xsl:template match="/rows">
    <Bundle><type value="collection"/><xsl:apply-templates select="row"/></Bundle>
  </xsl:template>

  <xsl:template match="row">
    <xsl:variable name="row" select="."/>
    <xsl:variable name="name" select="concat('W-', @patient, '-', @week)"/>
    <xsl:variable name="score" select="@q1 + @q2 + @q3 + @q4 + @q5 + @q6 + @q7 + @q8 + @q9"/>
    <xsl:if test="$score != @total">
      <xsl:message terminate="yes">the total differs from the items</xsl:message>
    </xsl:if>
    <xsl:for-each select="$items">
      <xsl:variable name="field" select="@field"/>
      <xsl:variable name="value" select="$row/@*[name() = $field]"/>
      <xsl:variable name="answer" select="$answers[@value = $value]"/>
      <xsl:call-template name="entry">
        <xsl:with-param name="row" select="$row"/>
        <xsl:with-param name="part" select="@code"/>
        <xsl:with-param name="code" select="@code"/>
        <xsl:with-param name="display" select="@display"/>
        <xsl:with-param name="rest">
          <valueCodeableConcept>
            <coding><system value="http://loinc.org"/><code value="{$answer/@code}"/><display value="{$answer/@display}"/></coding>
            <text value="{$answer/@display}"/>
          </valueCodeableConcept>
          <xsl:if test="$field = 'q9' and $value &gt; 0">
            <interpretation>
              <coding><system value="http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"/><code value="A"/><display value="Abnormal"/></coding>
              <text value="Positive self-harm item: clinical risk assessment required"/>
            </interpretation>
          </xsl:if>
        </xsl:with-param>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:variable name="band">
      <xsl:choose>
        <xsl:when test="$score &gt;= 20">severe</xsl:when>
        <xsl:when test="$score &gt;= 15">moderately severe</xsl:when>
        <xsl:when test="$score &gt;= 10">moderate</xsl:when>
        <xsl:when test="$score &gt;= 5">mild</xsl:when>
        <xsl:otherwise>minimal</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:call-template name="entry">
      <xsl:with-param name="row" select="$row"/>
      <xsl:with-param name="part" select="'total'"/>
      <xsl:with-param name="code" select="'44261-6'"/>
      <xsl:with-param name="display" select="'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]'"/>
      <xsl:with-param name="rest">
        <valueQuantity><value value="{$score}"/><unit value="{{score}}"/><system value="http://unitsofmeasure.org"/><code value="{{score}}"/></valueQuantity>
        <interpretation>
          <coding><system value="https://ipt.example.org/fhir/CodeSystem/ipt"/><code value="phq9-{translate($band, ' ', '-')}"/><display value="PHQ-9 {$band}"/></coding>
          <text value="{$band}"/>
        </interpretation>
        <referenceRange>
          <low><value value="0"/></low><high><value value="27"/></high>
          <text value="PHQ-9 possible range 0-27; 0-4 minimal, 5-9 mild, 10-14 moderate, 15-19 moderately severe, 20-27 severe"/>
        </referenceRange>
        <xsl:for-each select="$items">
          <derivedFrom><reference value="Observation/{$name}-{@code}"/></derivedFrom>
        </xsl:for-each>
      </xsl:with-param>
    </xsl:call-template>
    <xsl:variable name="hard" select="$difficulties[@value = $row/@difficulty]"/>
    <xsl:call-template name="entry">
      <xsl:with-param name="row" select="$row"/>
      <xsl:with-param name="part" select="'69722-7'"/>
      <xsl:with-param name="code" select="'69722-7'"/>
      <xsl:with-param name="display" select="'How difficult have these made it for you to do your work, take care of things at home, or get along with other people [Reported.PHQ]'"/>
      <xsl:with-param name="rest">
        <valueCodeableConcept>
          <coding><system value="http://loinc.org"/><code value="{$hard/@code}"/><display value="{$hard/@display}"/></coding>
          <text value="{$hard/@display}"/>
        </valueCodeableConcept>
      </xsl:with-param>
    </xsl:call-template>
    <xsl:call-template name="entry">
      <xsl:with-param name="row" select="$row"/>
      <xsl:with-param name="part" select="'panel'"/>
      <xsl:with-param name="code" select="'44249-1'"/>
      <xsl:with-param name="display" select="'PHQ-9 quick depression assessment panel [Reported.PHQ]'"/>
      <xsl:with-param name="rest">
        <xsl:for-each select="$items">
          <hasMember><reference value="Observation/{$name}-{@code}"/></hasMember>
        </xsl:for-each>
        <hasMember><reference value="Observation/{$name}-total"/></hasMember>
        <hasMember><reference value="Observation/{$name}-69722-7"/></hasMember>
      </xsl:with-param>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="entry">
    <xsl:param name="row"/>
    <xsl:param name="part"/>
    <xsl:param name="code"/>
    <xsl:param name="display"/>
    <xsl:param name="rest"/>
    <xsl:variable name="subject" select="concat('Patient/p', $row/@patient)"/>
    <entry><resource><Observation>
      <id value="W-{$row/@patient}-{$row/@week}-{$part}"/>
      <meta>
        <profile value="http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-screening-assessment"/>
        <security><system value="http://terminology.hl7.org/CodeSystem/v3-Confidentiality"/><code value="R"/><display value="restricted"/></security>
        <security><system value="http://terminology.hl7.org/CodeSystem/v3-ActCode"/><code value="PSY"/><display value="psychiatry disorder information sensitivity"/></security>
      </meta>
      <identifier><system value="https://ipt.example.org/id/observation"/><value value="WEEKLY-{$row/@patient}/W{format-number($row/@week, '00')}/{$part}"/></identifier>
      <status value="final"/>
      <category><coding><system value="http://terminology.hl7.org/CodeSystem/observation-category"/><code value="survey"/><display value="Survey"/></coding></category>
      <code><coding><system value="http://loinc.org"/><code value="{$code}"/><display value="{$display}"/></coding></code>
      <subject><reference value="{$subject}"/></subject>
      <effectiveDateTime value="{$row/@day}"/>
      <performer><reference value="{$subject}"/></performer>
      <xsl:copy-of select="$rest"/>
    </Observation></resource></entry>
  </xsl:template>
</xsl:stylesheet>
